"""The philanthropy room: what was raised, by whom, what is owed, in the pipe and worth asking for."""
