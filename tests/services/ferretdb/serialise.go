package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
)

const (
	headerSize   = 16
	largest      = 48 << 20 // bytes: MongoDB's own limit of a message
	opMsg        = 2013
	moreToCome   = 1 << 1 // flag of a request that wants no answer
	opCodeOffset = 12
)

// serialise accepts clients and passes their commands to the server behind socket, one at a time over all clients.
func serialise(listener net.Listener, socket string) {
	var turn sync.Mutex
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer client.Close()
			if err := relay(client, socket, &turn); err != nil && err != io.EOF {
				fmt.Fprintln(os.Stderr, "ferretdb: client dropped:", err)
			}
		}()
	}
}

func relay(client net.Conn, socket string, turn *sync.Mutex) error {
	server, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	defer server.Close()
	for {
		request, err := readMessage(client)
		if err != nil {
			return err
		}
		answer, err := exchange(server, request, turn)
		if err != nil {
			return err
		}
		if _, err := client.Write(answer); err != nil {
			return err
		}
	}
}

// exchange holds the turn from a command's first byte to its answer's last.
func exchange(server net.Conn, request []byte, turn *sync.Mutex) ([]byte, error) {
	turn.Lock()
	defer turn.Unlock()
	if _, err := server.Write(request); err != nil {
		return nil, err
	}
	if wantsNoAnswer(request) {
		return nil, nil
	}
	return readMessage(server)
}

func wantsNoAnswer(request []byte) bool {
	if binary.LittleEndian.Uint32(request[opCodeOffset:]) != opMsg || len(request) < headerSize+4 {
		return false
	}
	return binary.LittleEndian.Uint32(request[headerSize:])&moreToCome != 0
}

func readMessage(from io.Reader) ([]byte, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(from, header[:]); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(header[:])
	if size < headerSize || size > largest {
		return nil, fmt.Errorf("a message of %d bytes", size)
	}
	message := make([]byte, size)
	copy(message, header[:])
	_, err := io.ReadFull(from, message[headerSize:])
	return message, err
}
