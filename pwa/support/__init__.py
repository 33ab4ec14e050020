"""What now? In plain words, on one page, with a code for the help desk."""
