"""What is read off a question, one file per kind of evidence."""
