import java.util.ArrayList;
import java.util.List;

/** Takes 100 kB a millisecond for 3 s and lets go of a third of it. */
public class Hold {
    public static void main(String[] words) throws Exception {
        List<byte[]> kept = new ArrayList<>();
        System.out.println("ready");
        Thread.sleep(300);
        for (int i = 0; i < 2500; i++) {
            kept.add(new byte[100_000]);
            if (i % 3 == 0) kept.remove(0);
            Thread.sleep(1);
        }
        Thread.sleep(2000);
        System.out.println(kept.size());
    }
}
