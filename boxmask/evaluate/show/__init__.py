"""The report for people: tables in the terminal, and one page with plots."""
