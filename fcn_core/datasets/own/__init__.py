"""People's own data: folders of photos with masks or ratings."""
