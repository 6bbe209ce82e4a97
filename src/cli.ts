/** The command line, `ssh-trust`. */
