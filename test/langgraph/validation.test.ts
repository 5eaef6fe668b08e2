/**
 * LangGraph's own conformance suite for checkpointers, all of it: `validate` runs what every
 * saver must pass, `deltaChannelHistoryTests` is the part that its authors run beside.
 * Both define their tests with vitest's globals.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deltaChannelHistoryTests, validate } from '@langchain/langgraph-checkpoint-validation';
import * as vitest from 'vitest';
import { JdbxSaver } from '#jdbx/langgraph/index.js';

const { describe, it, expect, beforeAll, beforeEach, afterAll, afterEach } = vitest;
Object.assign(globalThis, { describe, it, expect, beforeAll, beforeEach, afterAll, afterEach });

const directories = new Map<JdbxSaver, string>();

const initializer = {
  checkpointerName: 'jdbx/langgraph',
  async createCheckpointer() {
    const directory = mkdtempSync(join(tmpdir(), 'jdbx-langgraph-'));
    const saver = await JdbxSaver.open(directory);
    directories.set(saver, directory);
    return saver;
  },
  async destroyCheckpointer(saver: JdbxSaver) {
    await saver.close();
    rmSync(String(directories.get(saver)), { recursive: true });
    directories.delete(saver);
  },
};

validate(initializer);
deltaChannelHistoryTests(initializer);
