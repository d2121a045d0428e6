"""What is read off an enquiry, one file per kind of evidence."""
