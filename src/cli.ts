/** The command line, `ssh-trust`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Option, program } from 'commander'
import { explain } from './errors'
import { writeNewFile } from './local/files'
import {
  convertPrivateKey,
  convertPublicKey,
  describeKey,
  PRIVATE_FORMATS,
  PUBLIC_FORMATS,
  type PrivateFormat,
  type PublicFormat,
} from './trust/convert'
import { runDemo } from './trust/demo'

const dist = join(__dirname, '..')

/** Colour on a terminal alone, and not where https://no-color.org says so. */
function wantsColour(): boolean {
  return process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === ''
}

/** The text of a file, or of standard input for `-`. */
function read(file: string): string {
  return readFileSync(file === '-' ? 0 : file, 'utf8')
}

/** The first line of a file with a passphrase; undefined where there is no such file. */
function readPassphrase(file: string | undefined): string | undefined {
  return file === undefined ? undefined : read(file).split(/\r?\n/, 1)[0]
}

program
  .name('ssh-trust')
  .description('Gives a job exactly the SSH trust it needs, proves it, and takes it all back.')

program
  .command('demo')
  .description('run the main job on this machine alone, against a server in this process')
  .action(async () => {
    const good = await runDemo({
      mainFile: join(dist, 'main', 'index.js'),
      postFile: join(dist, 'post', 'index.js'),
      say: (line) => process.stdout.write(`${line}\n`),
      colour: wantsColour(),
    })
    process.exitCode = good ? 0 : 1
  })

interface ConvertOptions {
  to: PrivateFormat | PublicFormat
  out?: string
  passphraseFile?: string
  newPassphraseFile?: string
}

function isPrivateFormat(format: string): format is PrivateFormat {
  return (PRIVATE_FORMATS as readonly string[]).includes(format)
}

program
  .command('convert')
  .description(
    'write a key in another format: private ones as openssh, pkcs8 or ppk, the rest public',
  )
  .argument('[file]', 'a private or public key in any format; - is standard input', '-')
  .addOption(
    new Option('--to <format>', 'format to write')
      .choices([...PRIVATE_FORMATS, ...PUBLIC_FORMATS])
      .makeOptionMandatory(),
  )
  .option(
    '--out <file>',
    'a file that does not exist yet (made with mode 0600); else standard output',
  )
  .option('--passphrase-file <file>', 'holds the passphrase of the key')
  .option('--new-passphrase-file <file>', 'holds the passphrase to encrypt the result with')
  .addHelpText(
    'after',
    `
Examples:
  ssh-trust convert key.ppk --to openssh --out id_ed25519
  ssh-trust convert id_ed25519.pub --to rfc4716
  ssh-trust convert id_rsa --to ppk --new-passphrase-file secret.txt --out id_rsa.ppk`,
  )
  .action((file: string, { to, out, passphraseFile, newPassphraseFile }: ConvertOptions) => {
    const passphrase = readPassphrase(passphraseFile)
    const text = read(file)
    const result = isPrivateFormat(to)
      ? convertPrivateKey(text, to, passphrase, readPassphrase(newPassphraseFile))
      : convertPublicKey(text, to, passphrase)
    if (out === undefined) process.stdout.write(result)
    else writeNewFile(out, result)
  })

program
  .command('fingerprint')
  .description('print the SHA256 fingerprint of a key, as ssh-keygen -l does')
  .argument('[file]', 'a private or public key in any format; - is standard input', '-')
  .option('--art', 'with the picture that ssh-keygen -lv prints, to compare by eye')
  .option('--passphrase-file <file>', 'holds the passphrase of the key')
  .action((file: string, { art, passphraseFile }: { art?: true; passphraseFile?: string }) => {
    const passphrase = readPassphrase(passphraseFile)
    process.stdout.write(describeKey(read(file), passphrase, art === true))
  })

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`ssh-trust: ${explain(error)}\n`)
  process.exitCode = 1
})
