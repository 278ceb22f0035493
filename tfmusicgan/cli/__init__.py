"""The commands: each parses its flags, calls one library function, returns."""
