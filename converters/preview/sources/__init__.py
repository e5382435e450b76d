"""Where frames come from: cameras, videos, folders of pictures, the built-in clip."""
