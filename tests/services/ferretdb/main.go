// Command ferretdb serves MongoDB's wire protocol from SQLite files, for disio's tests only.
//
// Usage: ferretdb HOST:PORT STATE_DIR. It prints "ready URI" on stdout once it accepts connections and ends on
// SIGTERM or SIGINT.
//
// MongoDB makes every write to one document atomic; FerretDB on SQLite does not (its find-then-write races between
// connections). So clients reach it through serialise.go, which lets one command through at a time.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	if err := serve(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ferretdb:", err)
		os.Exit(1)
	}
}

func serve(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: ferretdb HOST:PORT STATE_DIR")
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, os.Interrupt, syscall.SIGTERM)

	listener, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	socket := filepath.Join(args[1], "ferretdb.sock")
	if err := os.RemoveAll(socket); err != nil {
		return err
	}
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{Unix: socket},
		Handler:   "sqlite",
		SQLiteURL: "file:" + args[1] + "/",
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		return err
	}
	go server.Run(context.Background())
	go serialise(listener, socket)
	fmt.Printf("ready mongodb://%s/\n", listener.Addr())
	<-ended // SQLite's files are whole at any moment: nothing to wait for
	return nil
}
