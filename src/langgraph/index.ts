export { JdbxSaver, type SaverOptions } from './saver.js';
