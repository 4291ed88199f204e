"""The brief room: what is chosen from the other rooms' pages, said in few sentences and slides."""
