package main

import (
	"github.com/spf13/cobra"
)

func newNode(server dial) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "node",
		Short: "Take the nodes of an own CDN out of its answers, and back",
	}
	cmd.AddCommand(
		newDrain(server, true, "drain CDN NODE", "Send a node no further visitors, until 'undrain' or the server's end, or with 'state' until 'undrain'"),
		newDrain(server, false, "undrain CDN NODE", "Send a node visitors again"),
	)
	return cmd
}

func newDrain(server dial, drain bool, use, short string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return answered(server().Drain(cmd.Context(), args[0], args[1], drain))
		},
	}
	return completing(cmd, cdnsAndNodes(server))
}
