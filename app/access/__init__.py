"""Who is signed in and what they may: passwords, sign-in, sessions, roles."""
