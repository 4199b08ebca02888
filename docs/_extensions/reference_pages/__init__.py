"""Parts of the reference pages that are written from the code while the pages are built."""
