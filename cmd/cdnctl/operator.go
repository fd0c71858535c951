package main

import (
	"os"
	"os/user"
)

// operator returns the name that changes are recorded by: of who called sudo,
// or else of the process's user; empty if neither has one.
func operator() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}
