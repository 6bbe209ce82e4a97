/** The picture of a key, against what the real ssh-keygen prints. */
import { expect, test } from '@jest/globals'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generatePrivateKey } from '../../src/ssh/private-key'
import { formatPublicKey, KEY_TYPES } from '../../src/ssh/public-key'
import { randomart } from '../../src/ssh/randomart'
import { string } from '../../src/ssh/wire'
import { describeWith, program } from '../support/programs'
import { mustRun } from '../support/run'
import { makeDirectory } from '../support/scratch'
import { errorOf, makeCertificate, sampleOf, samples, newRsa } from './samples'

/** What `ssh-keygen -lv` prints below the first line of each key. */
async function picturesOf(blobs: readonly Buffer[]): Promise<string[]> {
  const file = join(makeDirectory(), 'key.pub')
  writeFileSync(file, blobs.map((blob) => `${formatPublicKey(blob)}\n`).join(''))
  const printed = await mustRun(program('ssh-keygen'), ['-l', '-v', '-E', 'sha256', '-f', file])
  const lines = printed.trimEnd().split('\n')
  return blobs.map((_, index) => lines.slice(index * 12 + 1, index * 12 + 12).join('\n'))
}

describeWith(['ssh-keygen'], 'the picture is that of ssh-keygen', () => {
  test.each(KEY_TYPES)('for %s', async (type) => {
    // Many: a walk into a corner, or back to the start, is not in every one.
    const count = type === 'ssh-rsa' ? 2 : 50
    const blobs = Array.from({ length: count }, () => generatePrivateKey({ type }, '').publicKey)
    expect(blobs.map(randomart)).toEqual(await picturesOf(blobs))
  })

  test('for RSA keys of other sizes', async () => {
    const blobs = [1024, 2049, 4096].map((bits) => sampleOf(newRsa(bits)).blob)
    expect(blobs.map(randomart)).toEqual(await picturesOf(blobs))
  })

  test.each(samples())('for a certificate of $type', async (subject) => {
    const blob = makeCertificate({ subject })
    expect([randomart(blob)]).toEqual(await picturesOf([blob]))
  })
})

test('damaged and unknown keys have none', () => {
  expect(errorOf(() => randomart(Buffer.alloc(3)))).toMatchObject({ code: 'malformed' })
  const dsa = errorOf(() => randomart(string('ssh-dss')))
  expect(dsa).toMatchObject({ code: 'key-type-unsupported' })
})
