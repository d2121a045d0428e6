"""Folders that qhu wrote as an archive for others: checked, without traces of a machine, cited."""
