// Package sshjump dials from a machine that the user reaches by SSH, through the
// user's own ssh program: its configuration (aliases, ProxyJump, Match, identity
// files, hardware keys), its agent and its known hosts hold as the user has them,
// and a connection that the user already shares (ControlMaster) is used.
//
// It never asks for a password: it has no terminal, and says BatchMode. One thing
// is stricter than the user's configuration may be: a server that the known hosts
// do not have, or have with another key, is refused, for somebody who stands on
// the path could pose as the vantage that is to find him.
//
// # Design
//
// One ssh logs in and shares its connection over a socket in a directory that only
// this user may enter; the channels to the targets are ours, over that socket, in
// the proxy mode of OpenSSH's PROTOCOL.mux. So a target costs a channel and no
// process, and the server's own words tell why it opened none. That ssh goes to
// the background (ControlPersist) and ends with the run, or some seconds after
// this process, however that ends.
//
// The alternatives: "ssh -W" logs in once for each connection, which servers take
// for an attack (MaxStartups). "ssh -D" opens the vantage to every user of this
// machine and hides why a connection failed. A client of our own needs no program,
// and knows nothing of what the user's is told.
package sshjump
