"""The parts of load_test.py: what is asked, how often, and the echo that the server is held to."""
