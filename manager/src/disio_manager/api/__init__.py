"""The manager's REST interface: tasks, results, code, fleet and the live feed.

Rule: handlers read views and submit events; every decision is the core's, every error becomes one problem document.
"""
