"""Apps before a real server: the start page and a SMART app in a browser, a service without users."""
