// Prints the closing line of the test run that `npm cit` left as JSON.
import { readFileSync } from 'node:fs';

const path = new URL('../dist/test-results.json', import.meta.url);
const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(path, 'utf8'));
console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`);
