#!/usr/bin/env bash
# Two SSH servers on loopback for the workflow: 2222, which the job pins, and 2223, which it does not.
# Prints nothing secret but the throw-away key that goes to the step's output.
set -euo pipefail
if [ "$(uname)" = Linux ] && [ ! -x /usr/sbin/sshd ]; then
  sudo apt-get update -qq && sudo apt-get install -y -qq openssh-server
fi
dir=$(mktemp -d)
ssh-keygen -q -t ed25519 -N '' -f "$dir/user" -C workflow
for port in 2222 2223; do
  ssh-keygen -q -t ed25519 -N '' -f "$dir/host$port"
  cat >"$dir/sshd$port.conf" <<CONF
Port $port
ListenAddress 127.0.0.1
HostKey $dir/host$port
AuthorizedKeysFile $dir/user.pub
StrictModes no
UsePAM no
PidFile none
PasswordAuthentication no
Subsystem sftp internal-sftp
CONF
  /usr/sbin/sshd -f "$dir/sshd$port.conf" -E "$dir/log$port"
done
{
  echo "user=$(id -un)"
  echo "fingerprint=$(ssh-keygen -lf "$dir/host2222.pub" | cut -d' ' -f2)"
  echo 'private-key<<END-OF-KEY'
  cat "$dir/user"
  echo 'END-OF-KEY'
} >>"$GITHUB_OUTPUT"
rm "$dir/user"
