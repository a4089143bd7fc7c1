"""Is everything well with the pipeline itself?"""
