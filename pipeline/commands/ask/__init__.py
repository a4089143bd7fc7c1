"""The parts of `minuterisk sql`: texts cut into questions, forms of an answer, the prompt on a terminal."""
