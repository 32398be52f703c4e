"""What staff see: a Streamlit app behind its own sign-in.

A page reads (`app.read`), draws (`app.views.message_html`, `app.views.list_html`) and acts (`app.act`). Every
read writes the event that says who saw what before the rows are shown; every decision and its event
commit together. The session is checked on every run of a script or fragment (`app.access.sessions`).

Streamlit puts this folder first on `sys.path`: no file here may be named like a module of the
standard library or of an installed package. Tests hold that.
"""
