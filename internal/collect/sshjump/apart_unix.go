//go:build unix

package sshjump

import (
	"os/exec"
	"syscall"
)

// apart gives a program a session of its own: no terminal to ask on, Ctrl-C is
// for us alone, and whoever it starts ends with it.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
}

// sweep ends whoever a program that has ended started and left behind. ssh hangs up on
// its ProxyCommand, which below nohup nobody hears.
func sweep(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) // mostly nobody is left
	}
}
