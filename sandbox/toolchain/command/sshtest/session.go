package sshtest

import (
	"errors"

	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

func (s *Server) handle(request ssh.NewChannel) {
	switch request.ChannelType() {
	case "session":
		s.session(request)
	case "direct-tcpip":
		forward(request)
	default:
		_ = request.Reject(ssh.UnknownChannelType, request.ChannelType())
	}
}

// forward connects a channel to the address a client asks for (RFC 4254, section 7.2).
func forward(request ssh.NewChannel) {
	var target struct {
		Host       string
		Port       uint32
		OriginHost string
		OriginPort uint32
	}
	if err := ssh.Unmarshal(request.ExtraData(), &target); err != nil {
		_ = request.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	conn, err := net.Dial("tcp", net.JoinHostPort(target.Host, strconv.Itoa(int(target.Port))))
	if err != nil {
		_ = request.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	channel, requests, err := request.Accept()
	if err != nil {
		_ = conn.Close()
		return
	}
	go ssh.DiscardRequests(requests)
	go func() {
		_, _ = io.Copy(channel, conn)
		_ = channel.Close()
	}()
	_, _ = io.Copy(conn, channel)
	_ = conn.Close()
}

func (s *Server) session(request ssh.NewChannel) {
	channel, requests, err := request.Accept()
	if err != nil {
		return
	}
	defer func() { _ = channel.Close() }()
	environment := os.Environ()
	for request := range requests {
		switch request.Type {
		case "env":
			var variable struct{ Name, Value string }
			accepted := ssh.Unmarshal(request.Payload, &variable) == nil && slices.Contains(s.AcceptEnv, variable.Name)
			if accepted {
				environment = append(environment, variable.Name+"="+variable.Value)
			}
			_ = request.Reply(accepted, nil)
		case "exec":
			var command struct{ Text string }
			_ = request.Reply(ssh.Unmarshal(request.Payload, &command) == nil, nil)
			status := execute(channel, command.Text, environment)
			_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
			return
		case "subsystem":
			_ = request.Reply(true, nil)
			if server, err := sftp.NewServer(channel); err == nil {
				_ = server.Serve()
			}
			return
		default:
			_ = request.Reply(false, nil)
		}
	}
}

func execute(channel ssh.Channel, command string, environment []string) uint32 {
	shell := exec.Command("/bin/sh", "-c", command)
	shell.Env, shell.Stdout, shell.Stderr = environment, channel, channel.Stderr()
	stdin, err := shell.StdinPipe()
	if err != nil {
		return 255
	}
	go func() { // not shell.Stdin: Wait would then wait for a client that never closes its side
		_, _ = io.Copy(stdin, channel)
		_ = stdin.Close()
	}()
	err = shell.Run()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		return uint32(failed.ExitCode())
	}
	if err != nil {
		return 255
	}
	return 0
}
