"""Where exercises are done: a page with blanks, a printed sheet, files for course tools, homework that comes back."""
