package neterr

func system() table { return winsock() }
