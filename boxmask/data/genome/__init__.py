"""What only Visual Genome needs: categories from its labels, paths and sizes of its images."""
