"""How an open page learns of changes: the listener, the stream to the browser, the bells in the pages."""
