"""Google: one mailbox, its mails and changes, the watch on it, and the certificates of its pushes."""
