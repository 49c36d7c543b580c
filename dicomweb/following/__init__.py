"""Following an archive: what it received itself, or lost, shows in the index within seconds."""

from dicomweb.following.follower import Follower

__all__ = ["Follower"]
