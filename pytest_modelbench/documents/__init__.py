"""Strict JSON documents: read once, validated whole, every fault named with its place."""
