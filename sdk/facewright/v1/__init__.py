"""Generated from proto/facewright/v1 by proto/generate.py. Do not edit."""
