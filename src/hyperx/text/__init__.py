"""Text as it is found: split into sentences and words, read from files, tagged, and written in other formats."""
