// The agent of golang.org/x/crypto, for bench/agent-signatures.mjs: serves an empty keyring on the
// socket that is its argument.
package main

import (
	"net"
	"os"

	"golang.org/x/crypto/ssh/agent"
)

func main() {
	listener, err := net.Listen("unix", os.Args[1])
	if err != nil {
		panic(err)
	}
	keyring := agent.NewKeyring()
	for {
		connection, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go func() { _ = agent.ServeAgent(keyring, connection) }()
	}
}
