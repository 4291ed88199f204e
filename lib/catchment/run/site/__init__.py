"""What stands in the two trees: publishing, index, landing pages, history, the gate before them."""
