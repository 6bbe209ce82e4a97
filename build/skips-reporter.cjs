/** Jest reporter: says at the end which tests were skipped, and what is missing for them. */
module.exports = class SkipsReporter {
  onRunComplete(_contexts, { testResults }) {
    const skipped = testResults
      .flatMap((file) => file.testResults)
      .filter(({ status }) => status === 'pending')
    if (skipped.length === 0) return
    const reasons = new Map()
    for (const { fullName } of skipped) {
      const reason = /\[skipped: (.*?)\]/.exec(fullName)?.[1] ?? fullName
      reasons.set(reason, [
        ...(reasons.get(reason) ?? []),
        fullName.replace(/ *\[skipped: .*?\]/g, ''),
      ])
    }
    process.stderr.write(`\n${skipped.length} skipped:\n`)
    for (const [reason, names] of [...reasons].sort()) {
      process.stderr.write(`  ${reason}\n${names.map((name) => `    ${name}\n`).join('')}`)
    }
  }
}
