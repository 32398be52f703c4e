"""How the app is served: processes, the door before them, our routes, and the headers of every answer."""
