"""All that is known of the system under test: its events, its REST calls, its rows and its tokens.

Another backend is another package with the same modules.
"""
