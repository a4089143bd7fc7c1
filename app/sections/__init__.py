"""The three parts of the page: is the pipeline alive, which incidents are there, how did it come to them."""
