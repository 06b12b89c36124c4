"""The image and the Helm chart."""
