"""Batches to call a loss with: ordinary ones, and those where losses break."""
