// SPDX-License-Identifier: Apache-2.0
// What functions in Java commonly do, for the list of system calls that they make.
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.InetAddress;
import java.nio.channels.FileChannel;
import java.nio.file.*;
import java.util.Collections;
import java.util.concurrent.*;

public class Everything {
    public static void main(String[] arguments) throws Exception {
        Path root = Files.createTempDirectory("workload");
        Path file = Files.writeString(root.resolve("a"), "text");
        Files.copy(file, root.resolve("b"), StandardCopyOption.COPY_ATTRIBUTES);
        Files.move(root.resolve("b"), root.resolve("c"), StandardCopyOption.ATOMIC_MOVE);
        Files.createSymbolicLink(root.resolve("s"), file);
        try (FileChannel from = FileChannel.open(file); FileChannel to = FileChannel.open(root.resolve("d"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            from.transferTo(0, 4, to);
            to.force(true);
            to.lock();
            from.map(FileChannel.MapMode.READ_ONLY, 0, 4).load();
        }
        WatchService watcher = root.getFileSystem().newWatchService();
        root.register(watcher, StandardWatchEventKinds.ENTRY_CREATE);
        watcher.close();
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
             Socket client = new Socket(server.getInetAddress(), server.getLocalPort());
             Socket accepted = server.accept()) {
            client.setTcpNoDelay(true);
            client.getOutputStream().write(1);
            accepted.getInputStream().available();
            accepted.getInputStream().read();
        }
        java.net.http.HttpClient.newHttpClient();
        for (NetworkInterface each : Collections.list(NetworkInterface.getNetworkInterfaces())) { each.getMTU(); each.isUp(); each.getHardwareAddress(); }
        ExecutorService pool = Executors.newFixedThreadPool(4);
        pool.invokeAll(Collections.nCopies(8, () -> 1));
        pool.shutdown();
        new ProcessBuilder("echo").start().waitFor();
        new java.security.SecureRandom().nextInt();
        System.gc();
        try (var walk = Files.walk(root)) { walk.sorted(java.util.Comparator.reverseOrder()).forEach(p -> p.toFile().delete()); }
        System.out.println("done");
    }
}
