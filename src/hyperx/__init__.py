"""Hyper-X: one hypernetwork that writes the adapters of a frozen multilingual transformer for any (task, language) pair."""
