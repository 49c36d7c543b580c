"""A facade over the demo hospital and its awkward rows, embedded or on a real server, without a socket."""

from tests.facade.facade import Facade, embedded_folder, settings_of

__all__ = ["Facade", "embedded_folder", "settings_of"]
