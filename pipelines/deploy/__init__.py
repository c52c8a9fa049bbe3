"""What other machines need to run the jobs: images, templates, scripts.

Its Python files describe and launch; they load neither Beam nor a model.
"""
