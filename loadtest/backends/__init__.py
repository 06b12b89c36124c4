"""All that is known of the system under test: its events, its REST calls, its rows and its tokens.

The load asks for it by `adapter.Adapter`; another backend is another module with a `BACKEND`.
"""
